"""What each DAG does, through hooks and by the domain's decisions."""
