"""Fonts of every page and plot: declared by name, Chinese ones of each system among them, none fetched."""

from __future__ import annotations

__all__ = ["MONOSPACE", "SANS"]

_CHINESE = (
    '"Noto Sans CJK SC","Noto Sans SC","Source Han Sans SC","Source Han Sans CN","PingFang SC","Hiragino Sans GB",'
    '"Microsoft YaHei","WenQuanYi Micro Hei","WenQuanYi Zen Hei","Droid Sans Fallback","AR PL UMing CN",SimHei'
)
SANS = f'system-ui,-apple-system,"Segoe UI","Noto Sans","DejaVu Sans",{_CHINESE},sans-serif'
MONOSPACE = (
    'ui-monospace,SFMono-Regular,Menlo,Consolas,"Noto Sans Mono","DejaVu Sans Mono","Noto Sans Mono CJK SC",'
    f"{_CHINESE},monospace"
)
