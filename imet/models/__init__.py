"""Networks: backbones and encoders, and the heads that the documents put on them."""
