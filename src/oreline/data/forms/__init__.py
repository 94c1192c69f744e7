"""From the forms that rows come in to one form: roles, tags, answers, dialogues."""
