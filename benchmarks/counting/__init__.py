"""How many instructions a call executes: by callgrind, which knows no AVX-512, or one step at a time."""
