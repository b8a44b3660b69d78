"""Naive NumPy twins of what the compiled training loop does.

Written from the papers and from the documented formulas, one obvious statement after another: float64,
lists of matrices, no tiles, no buffers, nothing in place, and not a line of the package. ``fit`` takes the
estimators' parameters.

Targets are matrices of one column per output: one-hot for 'softmax', zeros and ones for 'sigmoid', or what label
smoothing makes of these.
"""
