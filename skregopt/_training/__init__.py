"""A fit as Python sees it: blocks of compiled code, stopping, the outcome, L-BFGS."""
