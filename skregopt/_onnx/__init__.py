"""Export of fitted estimators to ONNX, of single ones and within pipelines of skl2onnx."""
