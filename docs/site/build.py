"""Makes the site: every page of README.md and docs/ as HTML by lowdown, the reference from the public headers,
and whatever else the pages link to, as it is. The tree of the site is that of the project.
    build.py ROOT OUT LOWDOWN"""
import html
import os
import re
import shutil
import subprocess
import sys

import reference

NAV = [
    ('gcache', ['README.md']),
    ('Guide', ['embedding', 'getters', 'invalidation', 'expiry', 'many', 'clusters', 'discovery', 'tls', 'serving', 'errors',
               'shutdown']),
    ('Operate', ['docs/install.md', 'docs/operations.md', 'docs/benchmarks.md', 'docs/interop.md']),
    ('Come from', []),
    ('Inside', ['docs/architecture.md']),
    ('Reference', []),
]
LINK = re.compile(r'(\]\()([^)\s]+)(\))')
FENCE = re.compile(r'(^```.*?^```$)', re.S | re.M)


def title_of(markdown):
    return re.search(r'^# (.+)$', markdown, re.M).group(1)


def collect(root):
    """Site path without suffix -> markdown."""
    pages = {'README': read(os.path.join(root, 'README.md'))}
    for where, _, names in sorted(os.walk(os.path.join(root, 'docs'))):
        for name in sorted(names):
            if name.endswith('.md'):
                path = os.path.relpath(os.path.join(where, name), root)
                pages[path[:-3]] = read(os.path.join(root, path))
    headers = os.path.join(root, 'include', 'gcache')
    for name in sorted(os.listdir(headers)):
        pages['include/gcache/' + name] = reference.page(name, read(os.path.join(headers, name)))
    return pages


def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def nav(pages):
    groups = [(title, ['docs/guide/%s' % p if '/' not in p and not p.endswith('.md') else p[:-3] for p in listed])
              for title, listed in NAV]
    extra = {'Come from': 'docs/migration/', 'Inside': 'docs/rooms/', 'Reference': 'include/gcache/'}
    groups = [(title, listed + [p for p in pages if title in extra and p.startswith(extra[title])])
              for title, listed in groups]
    groups = [(title, [p for p in listed if p in pages]) for title, listed in groups]
    listed = {p for _, ps in groups for p in ps}
    rest = [p for p in pages if p not in listed]
    return [(t, ps) for t, ps in groups + [('More', rest)] if ps]


def menu(pages, here):
    out = []
    for title, listed in nav(pages):
        out.append('<h2>%s</h2>' % title)
        for page in listed:
            label = html.escape(title_of(pages[page]).replace('gcache/', ''))
            href = os.path.relpath(page, os.path.dirname(here) or '.') + '.html'
            out.append('<a %shref="%s">%s</a>' % ('class="here" ' if page == here else '', href, label))
    return '\n'.join(out)


def linked(page, markdown, pages, wanted):
    """Links to pages lead to their HTML; what else is linked to is wanted in the site."""
    def one(m):
        target, hash_, anchor = m.group(2).partition('#')
        if not target or re.match(r'[a-z]+:', target):
            return m.group(0)
        path = os.path.normpath(os.path.join(os.path.dirname(page), target))
        plain = path[:-3] if path.endswith('.md') else path
        if plain in pages:
            return m.group(1) + os.path.relpath(plain, os.path.dirname(page) or '.') + '.html' + hash_ + anchor + m.group(3)
        wanted.add(path)
        return m.group(0)
    parts = FENCE.split(markdown)
    return ''.join(p if p.startswith('```') else LINK.sub(one, p) for p in parts)


def main():
    root, out, lowdown = sys.argv[1:]
    pages, wanted = collect(root), set()
    frame = read(os.path.join(os.path.dirname(__file__), 'page.html'))
    shutil.rmtree(out, ignore_errors=True)
    for page, markdown in pages.items():
        body = subprocess.run([lowdown, '-Thtml', '--out-no-smarty', '--html-no-owasp'], check=True, text=True, encoding='utf-8',
                              input=linked(page, markdown, pages, wanted), stdout=subprocess.PIPE).stdout
        path = os.path.join(out, page + '.html')
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(frame.replace('@title@', html.escape(title_of(markdown))).replace('@menu@', menu(pages, page))
                    .replace('@body@', body))
    for path in wanted:
        if os.path.isfile(os.path.join(root, path)):
            os.makedirs(os.path.join(out, os.path.dirname(path)), exist_ok=True)
            shutil.copy(os.path.join(root, path), os.path.join(out, path))
        else:
            shutil.copytree(os.path.join(root, path), os.path.join(out, path), dirs_exist_ok=True)
    shutil.copy(os.path.join(out, 'README.html'), os.path.join(out, 'index.html'))


main()
