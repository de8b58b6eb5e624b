"""From a network to labels: features, scores, views to works, decision rules, decoding."""
