"""Reports: a function a figure or table of the paper, and one page that holds them all."""
