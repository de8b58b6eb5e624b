"""Code that only the book needs: plots, tables, pages, recorded studies."""
