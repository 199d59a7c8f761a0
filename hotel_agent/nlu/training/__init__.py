"""How the model is made of the sentences; needs scikit-learn, which only training uses."""
