"""The look of the page: one style sheet, no script, readable on a phone and on paper."""

CSS = """
:root { color-scheme: light; --ink: #1f2933; --muted: #5b6672; --rule: #d5dae0; --soft: #f4f6f8; --accent: #0b6e99; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
header p.kicker { margin: 0; color: var(--muted); font-size: .875rem; }
h1 { font-size: 1.65rem; line-height: 1.25; margin: .25rem 0 .75rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 3rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1.75rem 0 .25rem; }
.facts { color: var(--muted); font-size: .875rem; margin: 0 0 1.25rem; max-width: none; }
.lead { font-size: 1.2rem; line-height: 1.5; border-left: 4px solid var(--accent); padding-left: 1rem;
  margin: 0 0 1rem; max-width: 52rem; }
p, li { max-width: 52rem; }
.note, figcaption { color: var(--muted); font-size: .8125rem; margin: .35rem 0; max-width: 52rem; }
.warning { background: #fff8e6; border: 1px solid #ecd9a0; border-radius: 6px;
  padding: .75rem 1rem; margin: 1.25rem 0; }
.warning ul { margin: .25rem 0 0; padding-left: 1.25rem; }
nav { margin: 1.5rem 0 0; font-size: .875rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; list-style: none; margin: 0; padding: 0; }
nav a { display: inline-block; padding: .2rem 0; }
a { color: var(--accent); }
.scroll, .picture { overflow-x: auto; margin: 1rem 0 .5rem; }
.scroll:focus-visible, .picture:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .8125rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .5rem; }
th, td { padding: .4rem .6rem .4rem 0; text-align: left; white-space: nowrap; font-weight: 400; vertical-align: top; }
th + td, td + td, th + th { padding-left: .4rem; }
thead th { border-bottom: 2px solid var(--ink); font-weight: 600; vertical-align: bottom; }
tbody tr { border-bottom: 1px solid var(--rule); }
tbody th[scope=rowgroup] { font-weight: 600; padding-top: .9rem; white-space: normal; }
tbody tr:hover { background: var(--soft); }
.number { text-align: right; }
.prose td:not(.number), .prose tbody th[scope=row] { white-space: normal; min-width: 7rem; max-width: 24rem; }
.prose td:last-child:not(.number) { min-width: 11rem; }
.beside { display: flex; flex-wrap: wrap; gap: 0 3rem; align-items: flex-start; } .beside > div { min-width: 0; }
.beside .note { max-width: 24rem; }
figure { margin: 1rem 0; }
.picture svg { display: block; height: auto; max-width: 100%; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; font-size: .875rem; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
details { margin: 1rem 0; } summary { cursor: pointer; color: var(--accent); padding: .2rem 0; }
code { font-size: .8125rem; overflow-wrap: anywhere; }
math { font-size: 1.05rem; padding: .25rem 0; }
.quiet table { color: var(--muted); }
.sideways { display: none; }
@media (max-width: 46rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; }
  .lead { font-size: 1.05rem; } .sideways { display: block; }
  .picture.wide svg { min-width: 44rem; } .picture.middle svg { min-width: 32rem; } }
@media print { main { padding: 0; max-width: none; } h2 { break-after: avoid; } figure, tr { break-inside: avoid; }
  nav, .sideways { display: none; } .scroll, .picture { overflow: visible; } table { font-size: 7.5pt; }
  details::details-content { content-visibility: visible; display: block; } }
""".strip()
