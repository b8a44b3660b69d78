"""What a layer consists of, one file for each kind of block; a new kind is a file and an entry in ``BLOCKS``."""

from .activation import ActivationBlock
from .batch_norm import BatchNorm
from .dropout import DropoutBlock
from .layer_norm import LayerNorm
from .product import Product

# in the order in which the blocks of a hidden layer follow each other
BLOCKS = (Product, BatchNorm, LayerNorm, ActivationBlock, DropoutBlock)

# the normalisations, of which a network has at most one, by the parameters of the estimators
NORMALISATIONS = {block.name: block for block in BLOCKS if hasattr(block, "name")}


def blocks_of(network, layer):
    """Return the blocks of a layer of a network: all that the layer has, only the product of the last layer."""
    if layer == len(network.units) - 2:
        return [Product.of(network, layer)]
    return [block for kind in BLOCKS if (block := kind.of(network, layer)) is not None]
