"""The reference: a public header as a page. Comments become text, declarations become code, the ruled lines
become headings; nothing is added, so that page and header cannot disagree."""
import re

RULE = re.compile(r'^/\* -{4,} ?(.*?) ?-{4,} \*/$')
COMMENT = re.compile(r'^/\*.*?\*/$', re.S | re.M)
FUNCTION = re.compile(r'\b(gcache_\w+)\s*\(')


def text(comment):
    """A comment's lines as paragraphs; what is set in columns stays as it is."""
    body = re.sub(r'^/\*+ ?|\s*\*/$', '', comment)
    lines = [re.sub(r'^ ?\* ?', '', line).rstrip() for line in body.split('\n')]
    parts, part = [], []
    for line in lines + ['']:
        if line:
            part.append(line)
        elif part:
            parts.append(part)
            part = []
    out = []
    for part in parts:
        if any(line.startswith('  ') for line in part):
            out.append('```text\n' + '\n'.join(part) + '\n```')
        else:
            out.append(re.sub(r'([*_<>\[\]|])', r'\\\1', ' '.join(part)))
    return '\n\n'.join(out)


def pieces(source):
    """(kind, text) of what stands at the left margin: rules, comments, code."""
    lines, i = source.split('\n'), 0
    code = []
    while i < len(lines):
        line = lines[i]
        starts = line.startswith('/*')
        if starts and not code_is_open(code):
            if code:
                yield 'code', '\n'.join(code).strip('\n')
                code = []
            comment = [line]
            while '*/' not in comment[-1]:
                i += 1
                comment.append(lines[i])
            joined = '\n'.join(comment)
            if joined.endswith('*/'):
                rule = RULE.match(joined)
                yield ('rule', rule.group(1)) if rule else ('comment', joined)
            else:
                code.append(joined)
        elif line == '' and not code_is_open(code):
            if code:
                yield 'code', '\n'.join(code).strip('\n')
                code = []
        else:
            code.append(line)
        i += 1
    if code:
        yield 'code', '\n'.join(code).strip('\n')


def code_is_open(code):
    return sum(line.count('{') - line.count('}') for line in code) > 0


def is_frame(code):
    """Include guards and what surrounds them."""
    return all(re.match(r'^(#|extern "C" \{|\}|$)', line) for line in code.split('\n')) and 'define GCACHE_' not in code.replace('_H\n', '')


def page(name, source):
    source = re.sub(r'#ifdef __cplusplus\n.*?#endif\n', '', source, flags=re.S)
    source = re.sub(r'#ifndef (GCACHE\w*_H)\n#define \1\n', '', source)
    source = re.sub(r'\n#endif( /\*.*?\*/)?\s*$', '\n', source)
    out = ['# gcache/%s' % name]
    pending = None
    for kind, body in pieces(source):
        if kind == 'rule':
            if pending:
                out.append(text(pending))
                pending = None
            out.append('## ' + body)
        elif kind == 'comment':
            if pending:
                out.append(text(pending))
            pending = body
        else:
            plain = re.sub(r'/\*.*?\*/', '', body, flags=re.S)
            names = [FUNCTION.search(d).group(1) for d in re.findall(r'GCACHE_EXTERN[^;]*;', plain)]
            if names:
                out.append('### ' + ', '.join('`%s()`' % n for n in names))
            if pending:
                out.append(text(pending))
                pending = None
            out.append('```c\n' + body + '\n```')
    if pending:
        out.append(text(pending))
    return '\n\n'.join(out) + '\n'
