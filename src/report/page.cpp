#include "report/page.h"

#include <algorithm>
#include <cmath>

namespace lethe {
namespace {

constexpr const char* kStyle = R"(
:root{--text:#1c1c1e;--faint:#666;--ground:#fff;--panel:#f6f6f4;--rule:#ddd;--c0:#20639b;--c1:#b3541e;--c2:#3a7d44;--c3:#7b4b94;--c4:#a3264b;--c5:#6b6b2e;--c6:#0f7f80;--c7:#8a5a2b}
@media (prefers-color-scheme:dark){:root{--text:#e6e6e3;--faint:#a0a09a;--ground:#17181a;--panel:#232427;--rule:#3a3b3f;
--c0:#6db3ea;--c1:#f0955a;--c2:#7fce8b;--c3:#c79be0;--c4:#f07f9f;--c5:#cfcf7a;--c6:#64cfd0;--c7:#d0a070}}
@media print{:root{--text:#000;--ground:#fff}details>summary{list-style:none}}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:var(--text);background:var(--ground)}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2rem}
.wide{overflow-x:auto}
table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;font-weight:600;padding-bottom:.3rem}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--rule);text-align:right;font-variant-numeric:tabular-nums}
tbody th,thead th:first-child{text-align:left;font-weight:400}thead th{border-bottom:2px solid var(--faint)}
.figures td{white-space:nowrap}
@media (max-width:600px){.figures{font-size:.75rem}.figures th,.figures td{padding:.25rem .35rem}}
.answers td,.answers th{text-align:left;vertical-align:top;max-width:18rem;overflow-wrap:anywhere;white-space:pre-wrap}
.verdict{display:block;color:var(--faint);font-size:.85rem}
pre{background:var(--panel);padding:1rem;overflow-x:auto;font-size:.85rem}
details{margin:.6rem 0}summary{cursor:pointer}
svg{max-width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--text)}
.grid{stroke:var(--rule)}.limit{stroke:var(--c1);stroke-dasharray:5 4}.mark{fill:var(--c1)}
.s0{color:var(--c0)}.s1{color:var(--c1)}.s2{color:var(--c2)}.s3{color:var(--c3)}.s4{color:var(--c4)}.s5{color:var(--c5)}.s6{color:var(--c6)}.s7{color:var(--c7)})";

// A round number at or above value: 1, 2 or 5 times a power of ten.
double round_up(double value) {
  if (!(value > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    if (factor * power >= value) return factor * power;
  }
  return 10 * power;
}

std::string bounded(const std::string& text) {
  std::string cut = text;
  if (cut.size() > 600) {
    std::size_t end = 600;
    while (end > 0 && (static_cast<unsigned char>(cut[end]) & 0xC0) == 0x80) --end;
    cut = cut.substr(0, end) + "…";
  }
  return html_escaped(cut);
}

std::string answers_table(const std::vector<AnswerPair>& answers) {
  std::string html =
      "<table class=\"answers\"><thead><tr><th>Prompt</th><th>Before</th><th>After</th></tr></thead><tbody>";
  for (const AnswerPair& answer : answers) {
    html += "<tr><th>" + bounded(answer.prompt) + "</th><td><span class=\"verdict\">" +
            html_escaped(answer.before_verdict) + "</span>" + bounded(answer.before) +
            "</td><td><span class=\"verdict\">" + html_escaped(answer.after_verdict) + "</span>" +
            bounded(answer.after) + "</td></tr>\n";
  }
  return html + "</tbody></table>";
}

// The drawing area of a plot, and where a value lies in it.
struct Axes {
  static constexpr double left = 56, right = 620, top = 40, bottom = 264;
  double most_x = 0, most_y = 0;

  explicit Axes(const Plot& plot) : most_y(plot.limit) {
    for (const Series& series : plot.series) {
      for (const auto& [x, y] : series.points) {
        if (plot.largest_x > 0 && x > plot.largest_x) continue;
        most_x = std::max(most_x, x);
        most_y = std::max(most_y, y);
      }
    }
    most_x = round_up(most_x);
    most_y = round_up(most_y);
  }
  std::string x(double value) const { return fixed(left + value / most_x * (right - left), 1); }
  std::string y(double value) const { return fixed(bottom - value / most_y * (bottom - top), 1); }
};

int digits_for(double most) {
  return most < 1 ? 3 : most < 10 ? 2 : most < 100 ? 1 : 0;
}

std::string text_at(const std::string& x, const std::string& y, const char* anchor, const std::string& text) {
  return "<text x=\"" + x + "\" y=\"" + y + "\" text-anchor=\"" + anchor + "\">" + html_escaped(text) + "</text>";
}

std::string level(const Axes& axes, double y, const char* kind) {
  return "<line class=\"" + std::string(kind) + "\" x1=\"" + fixed(Axes::left, 0) + "\" x2=\"" + fixed(Axes::right, 0) +
         "\" y1=\"" + axes.y(y) + "\" y2=\"" + axes.y(y) + "\"/>";
}

// The curve up to the edge of the drawing area.
std::vector<std::pair<double, double>> visible(const std::vector<std::pair<double, double>>& points, double most_x) {
  std::vector<std::pair<double, double>> result;
  for (const auto& point : points) {
    if (point.first <= most_x) {
      result.push_back(point);
      continue;
    }
    if (result.empty() || result.back().first >= most_x) break;
    const auto [x, y] = result.back();
    result.emplace_back(most_x, y + (point.second - y) * (most_x - x) / (point.first - x));
    break;
  }
  return result;
}

std::string curve(const Axes& axes, const Series& given, std::size_t number, double marked) {
  const Series series{given.name, visible(given.points, axes.most_x), given.line};
  std::string svg = "<g class=\"s" + std::to_string(number % 8) + "\">";
  if (series.line) {
    std::string line;
    for (const auto& [x, y] : series.points) line += (line.empty() ? "" : " ") + axes.x(x) + "," + axes.y(y);
    svg += "<polyline fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" points=\"" + line + "\"/>";
  }
  for (const auto& [x, y] : series.points) {
    const bool is_marked = marked > 0 && std::abs(x - marked) < 1e-9;
    if (series.line && series.points.size() > 40 && !is_marked) continue;
    svg += "<circle cx=\"" + axes.x(x) + "\" cy=\"" + axes.y(y) + "\" r=\"" + (is_marked ? "6" : "3") + "\" " +
           (is_marked ? "class=\"mark\"" : "fill=\"currentColor\"") + "/>";
  }
  return svg + "</g>";
}

}  // namespace

std::string svg_plot(const Plot& plot) {
  const Axes axes(plot);
  std::string svg =
      "<svg viewBox=\"0 0 640 312\" role=\"img\" width=\"640\" aria-label=\"" + html_escaped(plot.title) + "\">";
  for (int i = 0; i <= 4; ++i) {
    const double x = axes.most_x * i / 4, y = axes.most_y * i / 4;
    svg += level(axes, y, "grid");
    svg += "<g transform=\"translate(0 4)\">" +
           text_at(fixed(Axes::left - 6, 0), axes.y(y), "end", fixed(y, digits_for(axes.most_y))) + "</g>";
    svg += text_at(axes.x(x), fixed(Axes::bottom + 18, 0), "middle", fixed(x, axes.most_x < 10 ? 2 : 0));
  }
  if (plot.limit > 0) svg += level(axes, plot.limit, "limit");
  double legend = Axes::left;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    const Series& series = plot.series[i];
    svg += curve(axes, series, i, i == 0 ? plot.marked : 0);
    if (series.name.empty()) continue;
    svg += "<g class=\"s" + std::to_string(i % 8) + "\"><circle cx=\"" + fixed(legend + 5, 0) +
           "\" cy=\"30\" r=\"4\" fill=\"currentColor\"/></g>" +
           text_at(fixed(legend + 14, 0), "34", "start", series.name);
    legend += 30 + 7.0 * static_cast<double>(series.name.size());
  }
  svg += text_at("4", "12", "start", plot.y_label);
  svg += text_at(fixed((Axes::left + Axes::right) / 2, 0), "306", "middle", plot.x_label) + "</svg>\n";
  return svg;
}

std::string html_page(const Page& page) {
  std::string html =
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light "
      "dark\">";
  html +=
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta "
      "http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; style-src 'unsafe-inline'\">";
  html += "<title>" + html_escaped(page.title) + "</title><style>" + kStyle + "</style></head><body>\n";
  html += "<h1>" + html_escaped(page.title) + "</h1><p>" + html_escaped(page.summary) + "</p>\n";
  for (const std::string& note : page.notes) html += "<p>" + html_escaped(note) + "</p>\n";
  for (const Table& table : page.tables) html += "<div class=\"wide\">" + html_table(table) + "</div>";
  for (const Plot& plot : page.plots) html += "<h2>" + html_escaped(plot.title) + "</h2>" + svg_plot(plot);
  if (!page.answers.empty())
    html += "<h2>Answers before and after</h2><p>Folded, because some of them are harmful.</p>";
  for (const auto& [title, answers] : page.answers) {
    html += "<details><summary>" + html_escaped(title) + "</summary><div class=\"wide\">" + answers_table(answers) +
            "</div></details>\n";
  }
  if (!page.recipe.empty()) html += "<h2>Recipe</h2><pre>" + html_escaped(page.recipe) + "</pre>";
  return html + "</body></html>\n";
}

}  // namespace lethe
