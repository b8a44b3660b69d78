"""What several tests share: data sets, comparisons, processes. None of it is a test."""
