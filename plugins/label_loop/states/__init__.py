"""The five states of a loop: each file does the work of one DAG, through hooks and by the domain's decisions."""
