"""What pre-trained vectors are worth: tasks, baselines and paired comparisons on data that was never trained on."""
