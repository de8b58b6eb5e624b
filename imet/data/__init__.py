"""From Kaggle's folder to arrays: tables, split, pictures and the paper's six views."""
