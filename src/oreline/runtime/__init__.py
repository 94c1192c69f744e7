"""The only code that predicts: torch, ONNX, linear."""
