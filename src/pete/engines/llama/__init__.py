"""llama.cpp: it answers, fast and in little memory, from a GGUF that is made of base and adapter once; it does not train."""
