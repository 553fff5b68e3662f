#!/usr/bin/env python3
"""The node's status page in headless Chromium: three nodes, traffic, and what the page then shows; a key is looked
up; one node is killed and shown as down. Saves a picture to the file given as the second argument.
    status_test.py NODE [PICTURE.png]
Exit status 77 without chromedriver or Chromium."""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

driver = shutil.which('chromedriver')
chromium = shutil.which('chromium')
if driver is None or chromium is None:
    sys.exit(77)
processes = []


def ask(url, body=None, method=None):
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={'Content-Type': 'application/json'})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


def start(command, said):
    """The process, and the rest of the line of its output that begins with said."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    processes.append(process)
    for line in process.stdout:
        if said in line:
            return process, line.split(said, 1)[1].strip()
    sys.exit('%s ended' % command[0])


class Browser:
    def __init__(self, folder):
        _, rest = start([driver, '--port=0'], 'started successfully on port ')
        self.base = 'http://127.0.0.1:%d/session' % int(rest.rstrip('.'))
        arguments = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--window-size=1280,1000',
                     '--user-data-dir=' + folder]
        wish = {'browserName': 'chrome', 'goog:chromeOptions': {'binary': chromium, 'args': arguments}}
        self.base += '/' + json.loads(ask(self.base, {'capabilities': {'alwaysMatch': wish}}))['value']['sessionId']
        ask(self.base + '/timeouts', {'script': 50000}) # for each wait

    def go(self, url):
        ask(self.base + '/url', {'url': url})

    def run(self, script):
        return json.loads(ask(self.base + '/execute/sync', {'script': script, 'args': []}))['value']

    def wait(self, what, script):
        """What script returns once that is true: looked at whenever the page has changed."""
        watch = ('const done = arguments[0], look = () => { %s };'
                 'const seen = look();'
                 'if (seen) { done(seen); return; }'
                 'const changes = new MutationObserver(() => {'
                 '  const seen = look(); if (seen) { changes.disconnect(); done(seen); } });'
                 'changes.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});')
        try:
            return json.loads(ask(self.base + '/execute/async', {'script': watch % script, 'args': []}))['value']
        except urllib.error.HTTPError:
            sys.exit('in vain: %s; the page: %s' % (what, self.run('return document.body.innerText')))

    def picture(self, path):
        with open(path, 'wb') as f:
            f.write(base64.b64decode(json.loads(ask(self.base + '/screenshot'))['value']))

    def close(self):
        ask(self.base, method='DELETE')


def nodes(program, n):
    started = [start([program, '--listen', '127.0.0.1:0', '--group', 'pages:8388608', '--group', 'other:1048576'], 'http')
               for _ in range(n)]
    urls = ['http' + rest.split()[0] for _, rest in started]
    for url in urls:
        ask(url + '/peers', '\n'.join(urls).encode(), 'PUT')
    return [process for process, _ in started], urls


def traffic(urls, keys):
    for i in range(keys):
        for url in urls:
            ask('%s/get?group=pages&key=k%d' % (url, i))


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        members, urls = nodes(program, 3)
        page = Browser(folder)
        page.go(urls[0] + '/status')
        page.run("window.errors = []; window.addEventListener('error', e => window.errors.push(e.message));"
                 "window.addEventListener('unhandledrejection', e => window.errors.push(String(e.reason)))")
        page.wait('two looks', 'return Number(document.body.dataset.looks) >= 2')
        traffic(urls, 40)
        page.wait('rates', "return /gets [1-9]/.test(document.getElementById('answers').innerText)")
        page.wait('loads', "return /loads [0-9]/.test(document.getElementById('trips').innerText)")
        page.wait('items in memory', "return /main .*[1-9][0-9]* items/.test(document.getElementById('memory').innerText)")
        rows = page.wait('members', "const r = [...document.querySelectorAll('#peers tr')].slice(1).map(r => [...r.cells].map(c => c.innerText));"
                                    "return r.length === 3 && r")
        assert {r[0] for r in rows} == set(urls), rows
        shares = [float(r[2].split()[0]) for r in rows]
        assert 99 < sum(shares) < 101 and all(20 < s < 47 for s in shares), rows
        page.run("document.getElementById('key').value = 'k1';"
                 "document.getElementById('ask').requestSubmit()")
        owner = page.wait('an owner', "return document.getElementById('owner').value.trim()")
        assert owner == ask(urls[1] + '/owner?group=pages&key=k1').strip(), owner
        page.run("const s = document.getElementById('group'); s.value = 'other'; s.dispatchEvent(new Event('change'))")
        page.wait('the other group', "return /of 1.0 MiB/.test(document.getElementById('memory').innerText)")
        page.run("const s = document.getElementById('group'); s.value = 'pages'; s.dispatchEvent(new Event('change'))")
        traffic(urls, 200)
        if len(sys.argv) > 2:
            looks = page.run('return Number(document.body.dataset.looks)')
            page.wait('some quiet seconds', 'return Number(document.body.dataset.looks) >= %d' % (looks + 5))
            traffic(urls, 200)
            page.picture(sys.argv[2])
        members[2].kill()
        for i in range(30):
            ask('%s/get?group=pages&key=fresh%d' % (urls[0], i))
        page.wait('a member that is down', "return /down/.test(document.getElementById('peers').innerText)")
        errors = page.run('return window.errors')
        assert errors == [], errors
        page.close()


try:
    main()
finally:
    for process in processes:
        process.kill()
        process.wait()
