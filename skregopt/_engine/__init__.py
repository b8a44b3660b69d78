"""The compiled passes over rows, the update, the loop and prediction, and the records that they work on."""
