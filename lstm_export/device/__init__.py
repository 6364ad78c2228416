"""What runs on a device: numpy and onnxruntime, never torch, never onnx."""
