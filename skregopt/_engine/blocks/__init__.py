"""What a layer consists of, one file for each kind of block; a new kind is a file and an entry in ``BLOCKS``."""

from .activation import ActivationBlock
from .batch_norm import BatchNorm
from .dropout import DropoutBlock
from .embedding import EmbeddingBlock
from .layer_norm import LayerNorm
from .product import Product
from .trainable_activation import TrainableActivationBlock

# in the order in which the blocks of a layer follow each other; the last layer has the first ones only
BLOCKS_OF_ALL_LAYERS = (EmbeddingBlock, Product)
BLOCKS = (
    *BLOCKS_OF_ALL_LAYERS,
    BatchNorm,
    LayerNorm,
    ActivationBlock,
    TrainableActivationBlock,
    DropoutBlock,
)

# the normalisations, of which a network has at most one, by the parameters of the estimators
NORMALISATIONS = {block.name: block for block in BLOCKS if hasattr(block, "name")}


def blocks_of(network, layer):
    """Return the blocks that a layer of a network has."""
    is_last = layer == len(network.units) - 2
    kinds = BLOCKS_OF_ALL_LAYERS if is_last else BLOCKS
    return [block for kind in kinds if (block := kind.of(network, layer)) is not None]
