#!/bin/sh
# Makes .venv from uv.lock, in the folder this is run from. Called by make when the lock changed.
# Needs a Python of 3.11 or newer and nothing else; the network only when something is missing.
set -eu

UV_VERSION=0.13.9
UV=.venv/.uv/bin/uv

say() { printf '  \033[2m·\033[0m %s\n' "$*" >&2; }

fail() {
    printf '\n✗ %s\n  → %s\n✗ %s\n  → %s\n\n' "$1" "$2" "$3" "$4" >&2
    exit 1
}

find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.15 python3.14 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "没有找到 Python 3.11 或更新的版本。" \
        "Debian/Ubuntu:sudo apt install python3 python3-venv · macOS:brew install python · 或用 PYTHON=/路径/python3 指定。" \
        "No Python 3.11 or newer was found." \
        "Debian/Ubuntu: sudo apt install python3 python3-venv · macOS: brew install python · or name one: make PYTHON=/path/python3"
}

make_environment() {
    python=$(find_python)
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        fail "$python 缺少 venv 模块(Debian 把它放在另一个包里)。" \
            "请运行:sudo apt install python3-venv" \
            "$python lacks the venv module (Debian keeps it in a package of its own)." \
            "Run: sudo apt install python3-venv"
    fi
    say "创建 .venv($("$python" --version))· creating .venv"
    # A half-made one, or one whose Python has been removed, is of no use.
    rm -rf .venv
    "$python" -m venv .venv
}

install_uv() {
    say "下载 uv $UV_VERSION · downloading uv"
    # In a folder of its own: `uv sync` removes from .venv whatever the lock does not name.
    .venv/bin/python -m ensurepip --default-pip >/dev/null 2>&1 || true
    if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
        --target .venv/.uv --upgrade "uv==$UV_VERSION"; then
        rm -rf .venv/.uv
        fail "无法下载 uv。" \
            "请检查网络;在国内可先设置镜像:export PIP_INDEX_URL=https://mirrors.aliyun.com/pypi/simple" \
            "uv could not be downloaded." \
            "Check the network, or name a mirror with PIP_INDEX_URL."
    fi
}

# pip would otherwise warn about a cache it may not write, and about running as root.
export PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
unset VIRTUAL_ENV UV_PROJECT_ENVIRONMENT PYTHONHOME PYTHONPATH 2>/dev/null || true

.venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || make_environment
[ "$($UV --version 2>/dev/null | cut -d' ' -f2)" = "$UV_VERSION" ] || install_uv

# Where the system keeps certificates, a company's own among them, uv shall trust those.
for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
    [ ! -s "$bundle" ] || export UV_SYSTEM_CERTS=1
done

say "按 uv.lock 安装依赖 · installing what uv.lock names"
# Compiled now, so that the first start need not do it in every process.
if ! UV_PYTHON_DOWNLOADS=never "$UV" sync --frozen --compile-bytecode --python .venv/bin/python; then
    fail "依赖没有装全。" "请检查网络与磁盘空间,然后再运行一次 make;已下载的不会重复下载。" \
        "Not everything could be installed." \
        "Check the network and the disk and run make again; what has been downloaded is kept."
fi
.venv/bin/python -m compileall -q services shared deploy
