# SPDX-License-Identifier: BSD-2-Clause
"""
Certificates for one case, made when it runs: nothing with a key or an end of validity is kept in the tree.
The cases of cases_tls.py call it; the openssl command does the work.
"""
import os
import shutil
import ssl
import subprocess

import harness

CA_CONF = """[ca]
default_ca = d
[d]
database = {dir}/index.txt
new_certs_dir = {dir}
rand_serial = yes
default_md = sha256
policy = p
copy_extensions = copy
[p]
commonName = supplied
"""


class Authority:
    """One who signs."""

    def __init__(self, case, name):
        if not shutil.which("openssl"):
            raise harness.Skip("no openssl command")
        self.case, self.name = case, name
        self.cert, self.key = case.path(f"{name}.pem"), case.path(f"{name}.key")
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-out", self.cert,
                  "-subj", f"/CN={name}", "-days", "30")

    def _run(self, *words):
        r = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False, timeout=30)
        if r.returncode:
            raise harness.Failure(f"openssl {words[0]}: {r.stderr}")

    def issue(self, file, name, san=None, expired=False):
        """FILE.pem with certificate and key in one; returns its path."""
        key, csr, crt, out = (self.case.path(f"{file}.{x}") for x in ("key", "csr", "crt", "pem"))
        self._run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", csr, "-subj", f"/CN={name}",
                  "-addext", f"subjectAltName={san or 'DNS:' + name}")
        work = self.case.path(f"{self.name}.ca")
        os.makedirs(work, exist_ok=True)
        open(f"{work}/index.txt", "w", encoding="ascii").close()
        with open(f"{work}/ca.conf", "w", encoding="ascii") as f:
            f.write(CA_CONF.format(dir=work))
        dates = ("20200101000000Z", "20210101000000Z") if expired else ("20200101000000Z", "20490101000000Z")
        self._run("ca", "-batch", "-notext", "-config", f"{work}/ca.conf", "-cert", self.cert, "-keyfile", self.key, "-in", csr, "-out", crt,
                  "-startdate", dates[0], "-enddate", dates[1])
        with open(out + ".new", "w", encoding="ascii") as f:
            for part in (crt, key):
                with open(part, encoding="ascii") as src:
                    f.write(src.read())
        os.replace(out + ".new", out)
        return out

    def contexts(self, pem, verify=True):
        """(server, client) contexts of an agent with that certificate, which trust this authority."""
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for ctx in (server, client):
            ctx.load_verify_locations(self.cert)
            if pem:
                ctx.load_cert_chain(pem)
        if verify:
            server.verify_mode = ssl.CERT_REQUIRED
        else:
            client.check_hostname = False
            client.verify_mode = ssl.CERT_NONE
        return server, client
