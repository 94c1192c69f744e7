"""New data into a served model: policies, the gate, promotion, roll-back."""
