"""Networks that come as ONNX files: what they take and give, and running them with ONNX Runtime."""
