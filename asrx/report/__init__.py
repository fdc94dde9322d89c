"""What a run leaves for people to read: the HTML page, TensorBoard and Weights & Biases."""
