"""What each engine requires of a model: inputs, outputs, metadata, and what it can take at all.

The requirements are those of sherpa-onnx 2.0 and onnx-asr 0.12, read in their sources and tried.
"""
