"""A file as a C array: embed.py FILE NAME OUT.c"""
import sys

file, name, out = sys.argv[1:]
with open(file, 'rb') as f:
    data = f.read()
with open(out, 'w') as f:
    f.write('#include "status/status.h"\n\nconst unsigned char %s[] = {\n' % name)
    for i in range(0, len(data), 16):
        f.write(' '.join('%d,' % b for b in data[i:i + 16]) + '\n')
    f.write('};\nconst size_t %s_len = sizeof %s;\n' % (name, name))
