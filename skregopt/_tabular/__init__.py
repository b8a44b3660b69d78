"""Estimators for tables: an encoder, a portfolio of networks, weights from held-out rows, all in one."""
