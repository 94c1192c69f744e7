"""The one loop, and the verbs that feed it: pretrain and finetune."""
