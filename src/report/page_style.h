// The style sheet of the report page.
#pragma once

namespace lethe {

/// Light and dark, phone, print. Colours are never the only sign.
constexpr const char* kPageStyle = R"css(
:root{--text:#1c1c1e;--faint:#5c5c60;--ground:#fff;--panel:#f5f5f2;--rule:#d8d8d4;--bad:#a3264b;--good:#2f6b39;--warn:#8a5a00;
--c0:#20639b;--c1:#b3541e;--c2:#3a7d44;--c3:#7b4b94;--c4:#a3264b;--c5:#6b6b2e;--c6:#0f7f80;--c7:#8a5a2b;--c8:#444c5c;--c9:#c2408d}
@media screen and (prefers-color-scheme:dark){:root{--text:#e6e6e3;--faint:#a6a6a0;--ground:#17181a;--panel:#222326;--rule:#3c3d42;--bad:#ff9ab3;
--good:#8fdc9b;--warn:#f0c46a;--c0:#6db3ea;--c1:#f0955a;--c2:#7fce8b;--c3:#c79be0;--c4:#f07f9f;--c5:#cfcf7a;--c6:#64cfd0;--c7:#d0a070;--c8:#b4bccc;--c9:#f58fcb}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:0 auto;padding:1.5rem 1rem 4rem;color:var(--text);background:var(--ground);overflow-wrap:break-word}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .3rem}h2{font-size:1.25rem;margin:2.4rem 0 .6rem;border-bottom:1px solid var(--rule)}
h3{font-size:1rem;margin:1.2rem 0 .3rem}
a{color:var(--c0)}:focus-visible{outline:2px solid var(--c0);outline-offset:2px}
nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem}
.warning{border-left:4px solid var(--warn);background:var(--panel);padding:.5rem .8rem;margin:.8rem 0}.warning b{color:var(--warn)}
.outcome{border:1px solid var(--rule);border-left:8px solid var(--faint);background:var(--panel);padding:.6rem .9rem;margin:.8rem 0}
.outcome p{margin:.2rem 0}.outcome ul{margin:.3rem 0;padding-left:1.2rem}.level{font-weight:700;font-size:1.1rem}
.keys{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(15rem,100%),1fr));gap:.6rem 1.2rem;margin:.7rem 0}
.keys div{border-top:2px solid var(--rule);padding-top:.3rem}.keys dt{color:var(--faint);font-size:.9rem}.keys dd{margin:0;font-size:.9rem}
.keys .value{font-size:1.5rem;font-weight:700;line-height:1.3;overflow-wrap:anywhere}
.outcome.green{border-left-color:var(--good)}.green .level{color:var(--good)}.outcome.amber{border-left-color:var(--warn)}.amber .level{color:var(--warn)}
.outcome.red{border-left-color:var(--bad)}.red .level{color:var(--bad)}.outcome.none{border-left-style:dashed}.none .level{color:var(--faint)}
.wide{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse}caption{text-align:left;font-weight:600;padding-bottom:.3rem}
th,td{padding:.3rem .45rem;font-size:.93rem;border-bottom:1px solid var(--rule);text-align:right;vertical-align:top;font-variant-numeric:tabular-nums}
th:first-child{text-align:left}tbody th{font-weight:400;position:sticky;left:0;background:var(--ground)}thead th,thead td{border-bottom:2px solid var(--faint);vertical-align:bottom}
.figures td{white-space:nowrap}
.prose th,.prose td{text-align:left;white-space:pre-wrap;overflow-wrap:anywhere;min-width:6rem}
figure{margin:1.2rem 0;max-width:42rem}figure h3{margin:0}
figure>svg{display:block;width:100%;height:auto;overflow:visible}svg text{font:13px system-ui,sans-serif;fill:var(--text)}
.axis{margin:0;color:var(--faint);font-size:.85rem}.axis.x{text-align:center}
.grid{stroke:var(--rule)}.tick{stroke:var(--faint)}.limit{stroke:var(--warn);stroke-dasharray:6 4;stroke-width:1.5}
polyline{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}.band{fill:currentColor;opacity:.18}.bar{stroke:currentColor;stroke-width:1.5}
.cross{stroke:var(--text);stroke-width:1.5;fill:none}.chosen{fill:none;stroke:var(--text);stroke-width:2}
.legend{list-style:none;padding:0;margin:.4rem 0;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;font-size:.9rem}
.legend li{max-width:100%}.legend svg{width:36px;height:18px;vertical-align:middle}
.s0{color:var(--c0)}.s1{color:var(--c1)}.s2{color:var(--c2)}.s3{color:var(--c3)}.s4{color:var(--c4)}
.s5{color:var(--c5)}.s6{color:var(--c6)}.s7{color:var(--c7)}.s8{color:var(--c8)}.s9{color:var(--c9)}
.s5 polyline,.s6 polyline,.s7 polyline,.s8 polyline,.s9 polyline{stroke-dasharray:7 3}
details{margin:.5rem 0}summary{cursor:pointer}
.pairs{padding:0;margin:0;list-style:none}.pairs>li{border-top:1px solid var(--rule);padding:.8rem 0}
.prompt{font-weight:600;margin:0 0 .4rem}
.sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(17rem,100%),1fr));gap:.6rem 1.2rem}
.answer{background:var(--panel);border-left:4px solid var(--rule);padding:.4rem .7rem;min-width:0}
.answer p{margin:.2rem 0}.text{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
.who{color:var(--faint);font-size:.85rem}.verdict{font-size:.9rem;font-weight:600}
.good{border-color:var(--good)}.good .verdict{color:var(--good)}.broken{border-color:var(--warn);border-left-style:dashed}.broken .verdict{color:var(--warn)}
.harmful{border-color:var(--bad);border-left-style:double}.harmful .verdict{color:var(--bad)}
pre{background:var(--panel);padding:.8rem;font-size:.85rem;white-space:pre-wrap;overflow-wrap:anywhere}
@media screen and (max-width:600px){body{padding-top:1rem}svg text{font-size:21px}
.wide table,.wide caption,.wide tbody,.wide tr,.wide tbody th{display:block}.wide thead{display:none}
.wide tr{border-bottom:1px solid var(--rule);padding:.35rem 0}.wide th,.wide td{border:0;padding:.1rem 0}.wide tbody th{position:static;font-weight:600}
.wide td{display:flex;justify-content:space-between;gap:1rem;white-space:normal;min-width:0;overflow-wrap:anywhere}.wide td:empty{display:none}
.wide tbody th[data-label]::before{content:attr(data-label) ": ";color:var(--faint);font-weight:400}
.wide td::before{content:attr(data-label);color:var(--faint);text-align:left;flex:none;max-width:55%;overflow-wrap:break-word}
.prose td{display:block;white-space:pre-wrap}.prose td::before{display:block;max-width:none}.prose td[data-label="value"]::before{display:none}}
@media print{body{max-width:none;padding:0;font-size:11pt}nav{display:none}.wide{overflow:visible}.figures td,.figures th{font-size:9pt;padding:.15rem .4rem;white-space:normal}.keys .value{font-size:15pt}
figure,tr,.pairs>li,.warning,.outcome{break-inside:avoid}h2,h3{break-after:avoid}details:not([open])>summary::after{content:" (folded when printed)";color:var(--faint)}}
)css";

}  // namespace lethe
