"""The estimators and what they share: arguments, targets, hold-outs, scoring, callbacks, fitted attributes."""
