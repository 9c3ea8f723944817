/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does the page look?
 *
 * Light, dark by the reader's preference, and light on paper.  Text has a contrast of at least 4.5
 * to what is behind it.  Colours never speak alone: lines are named at their ends, memory away
 * from home is hatched, and the tables have the numbers. */
#include "report.h"

static const char light[] =
	"color-scheme:light;--paper:#fff;--ink:#1a1f26;--quiet:#5a6470;--rule:#d9dee4;"
	"--grid:#eceff2;--soft:#f5f7f9;--blue:#2459a8;--teal:#0b6e66;--plum:#8a3d8f;--red:#b3261e;"
	"--home:#cddff5;--away:#f3b680;--away-line:#9c4d0e;--loose:#dfe3e8;--host:#eef0f3;"
	"--l4:#cfe1f6;--l3:#f7e0a6;--l2:#f0b45f;--l1:#dc7a35;--l0:#ab3115;"
	"--c0:#2459a8;--c1:#a8480a;--c2:#0b6e66;--c3:#8a3d8f;--c4:#6b6a00;--c5:#b3261e;"
	"--c6:#3d6b8f;--c7:#5a6470;";

static const char dark[] =
	"color-scheme:dark;--paper:#12161b;--ink:#e5e9ee;--quiet:#9ca7b3;--rule:#363e48;"
	"--grid:#232a32;--soft:#1a2027;--blue:#82b4ff;--teal:#58cbbb;--plum:#d99be0;--red:#ff938a;"
	"--home:#234469;--away:#7d4a1c;--away-line:#ffb877;--loose:#3a424c;--host:#222931;"
	"--l4:#234469;--l3:#6d5c24;--l2:#9c6d22;--l1:#d07f35;--l0:#ff8a66;"
	"--c0:#82b4ff;--c1:#f3a765;--c2:#58cbbb;--c3:#d99be0;--c4:#cfcf5a;--c5:#ff938a;"
	"--c6:#8fc3e8;--c7:#9ca7b3;";

static const char page[] =
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;max-width:1136px;padding:40px 48px 64px;background:var(--paper);"
	"color:var(--ink);font:14px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',"
	"sans-serif;font-variant-numeric:tabular-nums}\n"
	"p{margin:0}code{font:12px/1.4 ui-monospace,'DejaVu Sans Mono',monospace}\n"
	"h1{font-size:28px;line-height:1.2;font-weight:600;margin:2px 0 6px;"
	"overflow-wrap:anywhere}\n"
	"h2{font-size:18px;font-weight:600;margin:44px 0 14px;padding-top:14px;"
	"border-top:2px solid var(--ink)}\n"
	"h3{font-size:14px;font-weight:600;margin:0 0 6px}\n"
	".eyebrow{font-size:12px;color:var(--quiet);letter-spacing:.02em}\n"
	".quiet,.note,.unit{color:var(--quiet)}.note{font-size:12px}\n"
	".badge{display:inline-block;vertical-align:middle;font-size:12px;line-height:18px;"
	"font-weight:500;padding:0 8px;border:1px solid;border-radius:10px;white-space:nowrap}\n"
	".good{color:var(--teal)}.other{color:var(--quiet)}.bad{color:var(--red)}\n"
	".problems{margin:14px 0 0;padding:10px 14px 10px 32px;border-left:3px solid var(--red);"
	"background:var(--soft)}\n"
	".empty{padding:14px 16px;background:var(--soft);color:var(--quiet);max-width:70ch}\n"
	".figures{display:grid;grid-template-columns:repeat(6,1fr);gap:0 24px;margin:24px 0 0}\n"
	".figures div{border-top:1px solid var(--rule);padding-top:8px}\n"
	".figures dt{font-size:12px;color:var(--quiet)}\n"
	".figures dd{margin:0;font-size:20px;font-weight:600;white-space:nowrap}\n"
	".figures small{display:block;font-size:12px;font-weight:400;color:var(--quiet)}\n"
	".cards{display:grid;grid-template-columns:repeat(3,1fr);gap:0 32px}\n"
	".card{border-top:1px solid var(--rule);padding-top:12px}\n"
	".card p{margin-bottom:6px;font-size:13px;overflow-wrap:anywhere}\n";

static const char drawing[] =
	"figure{margin:0 0 26px;break-inside:avoid}figcaption{margin-bottom:6px}\n"
	"svg{display:block;width:100%;height:auto;overflow:visible;"
	"font-size:11px}\n"
	"svg text{fill:var(--ink)}text.small{font-size:9px}svg text.tick,svg .quiet{fill:var(--quiet)}\n"
	"svg text.strong{fill:var(--ink);font-weight:600}text.name{font-size:12px}\n"
	".value{font-weight:600}.over{paint-order:stroke;stroke:var(--paper);stroke-width:5px}\n"
	".grid,.day,.base{fill:none;stroke:var(--grid)}.base,.day{stroke:var(--rule)}\n"
	".line{fill:none;stroke-width:1.25;stroke-linejoin:round;stroke-linecap:round}\n"
	".area{stroke:none;fill-opacity:.13}\n"
	".meter{fill:var(--grid)}.frame{fill:none;stroke:var(--rule)}\n"
	".piece{stroke:var(--paper)}\n"
	"rect.home,circle.home,i.home{fill:var(--home);background:var(--home)}\n"
	"rect.away,circle.away{fill:url(#hatch)}circle.away{fill:var(--away)}\n"
	"i.away{background:repeating-linear-gradient(135deg,var(--away) 0 4px,"
	"var(--away-line) 4px 5px)}\n"
	"#hatch .ground{fill:var(--away)}#hatch path{stroke:var(--away-line);stroke-opacity:.45}\n"
	".free-guest{fill:var(--loose);background:var(--loose)}\n"
	".host{fill:var(--host);background:var(--host)}\n"
	"rect.unused{fill:none}i.unused{background:none}\n"
	"circle.dot{stroke:var(--quiet)}.span{stroke:var(--quiet);fill:none}\n"
	".mark.done{fill:var(--blue)}.mark.said{fill:var(--quiet)}.mark.warned{fill:var(--red)}\n"
	".key{display:flex;flex-wrap:wrap;gap:2px 18px;font-size:12px;color:var(--quiet);"
	"margin-bottom:10px}\n"
	".key i,td i{display:inline-block;width:12px;height:12px;margin-right:6px;"
	"vertical-align:-1px;border:1px solid var(--rule)}\n"
	"td i{width:8px;height:8px;vertical-align:0}\n";

static const char table[] =
	".wide{overflow-x:auto}\n"
	"table{border-collapse:collapse;width:100%;font-size:12px;line-height:1.4}\n"
	"caption{text-align:left;font-size:12px;color:var(--quiet);padding-bottom:6px}\n"
	"th,td{text-align:left;vertical-align:top;padding:4px 14px 4px 0;"
	"border-bottom:1px solid var(--grid)}\n"
	"thead th{font-weight:600;color:var(--quiet);border-bottom:1px solid var(--rule);"
	"white-space:nowrap}tbody th{font-weight:600;overflow-wrap:anywhere;min-width:9em}\n"
	".n{text-align:right;white-space:nowrap}td code{white-space:nowrap}\n"
	".decisions td:nth-child(3){overflow-wrap:anywhere;min-width:8em}\n"
	".decisions td:last-child{overflow-wrap:anywhere}\n"
	"tr.loud td{color:var(--red)}\n";

static const char narrow_and_paper[] =
	"@media screen and (max-width:820px){body{padding:24px 16px}"
	".figures{grid-template-columns:repeat(3,1fr);gap:14px 16px}"
	".cards{grid-template-columns:1fr;gap:16px}figure{overflow-x:auto}"
	"svg,table{min-width:820px}}\n"
	"@media print{body{padding:0;max-width:none;font-size:10px;print-color-adjust:exact;"
	"-webkit-print-color-adjust:exact}.figures dd{font-size:14px}.card p{font-size:10px}"
	"h2{margin:24px 0 10px;break-after:avoid}figure{margin-bottom:14px}"
	"table,code,caption{font-size:8px}th,td{padding:2px 8px 2px 0}tr,.card{break-inside:avoid}"
	".wide{overflow:visible}tbody th{min-width:6em}h2{font-size:14px}h3{font-size:11px}"
	".note,.key,.eyebrow,.figures dt,.figures small,.badge{font-size:9px}}\n";

static void write_line_colors(FILE *to)
{
	static const char *const colors[] = { "blue", "teal", "plum", "red", "c0", "c1",
					      "c2",   "c3",   "c4",   "c5",  "c6", "c7" };
	static const char *const fills[] = { "l0", "l1", "l2", "l3", "l4" };

	for (size_t i = 0; i < KT_ARRAY_LEN(colors); i++)
		fprintf(to,
			".line.%s{stroke:var(--%s)}.area.%s,.bar.%s,svg text.name.%s{fill:var(--%s)}"
			"\n",
			colors[i], colors[i], colors[i], colors[i], colors[i], colors[i]);
	for (size_t i = 0; i < KT_ARRAY_LEN(fills); i++)
		fprintf(to, ".%s{fill:var(--%s);background:var(--%s)}\n", fills[i], fills[i],
			fills[i]);
}

void report_style(FILE *to)
{
	fprintf(to, ":root{%s}\n@media screen and (prefers-color-scheme:dark){:root{%s}}\n%s%s%s",
		light, dark, page, drawing, table);
	write_line_colors(to);
	fputs(narrow_and_paper, to);
}
