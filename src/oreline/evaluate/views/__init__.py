"""What a report shows of one kind of answers, one file each."""
