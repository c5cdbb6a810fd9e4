#include "report/page.h"

#include <algorithm>
#include <cmath>

namespace lethe {
namespace {

constexpr double kLeft = 56, kRight = 620, kTop = 16, kBottom = 240;

const char* const kStyle = R"(
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c1c1e;background:#fff}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;font-weight:600;padding-bottom:.3rem}
th,td{padding:.3rem .9rem;border-bottom:1px solid #ddd;text-align:right;font-variant-numeric:tabular-nums}
tbody th,thead th:first-child{text-align:left;font-weight:400}thead th{border-bottom:2px solid #888}
.answers td,.answers th{text-align:left;vertical-align:top;max-width:18rem;overflow-wrap:anywhere;white-space:pre-wrap}
.verdict{display:block;color:#666;font-size:.85rem}pre{background:#f6f6f4;padding:1rem;overflow-x:auto;font-size:.85rem}
details{margin:.6rem 0}summary{cursor:pointer}svg text{font:12px system-ui,sans-serif;fill:#444})";

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

}  // namespace

std::string svg_plot(const Plot& plot) {
  double most_x = 0, most_y = plot.limit;
  for (const auto& [x, y] : plot.points) {
    most_x = std::max(most_x, x);
    most_y = std::max(most_y, y);
  }
  most_x = round_up(most_x);
  most_y = round_up(most_y);
  const auto at_x = [&](double x) { return fixed(kLeft + x / most_x * (kRight - kLeft), 1); };
  const auto at_y = [&](double y) { return fixed(kBottom - y / most_y * (kBottom - kTop), 1); };
  std::string svg =
      "<svg viewBox=\"0 0 640 300\" role=\"img\" width=\"640\" aria-label=\"" + html_escaped(plot.title) + "\">";
  for (int i = 0; i <= 4; ++i) {
    const double x = most_x * i / 4, y = most_y * i / 4;
    svg += "<line x1=\"" + fixed(kLeft, 0) + "\" x2=\"" + fixed(kRight, 0) + "\" y1=\"" + at_y(y) + "\" y2=\"" +
           at_y(y) + "\" stroke=\"#e4e4e0\"/>";
    svg += "<text x=\"" + fixed(kLeft - 6, 0) + "\" y=\"" + at_y(y) + "\" text-anchor=\"end\" dy=\"4\">" +
           fixed(y, most_y < 1 ? 3 : 2) + "</text>";
    svg += "<text x=\"" + at_x(x) + "\" y=\"" + fixed(kBottom + 18, 0) + "\" text-anchor=\"middle\">" + fixed(x, 2) +
           "</text>";
  }
  if (plot.limit > 0) {
    svg += "<line x1=\"" + fixed(kLeft, 0) + "\" x2=\"" + fixed(kRight, 0) + "\" y1=\"" + at_y(plot.limit) +
           "\" y2=\"" + at_y(plot.limit) + "\" stroke=\"#b3541e\" stroke-dasharray=\"5 4\"/>";
  }
  std::string line;
  for (const auto& [x, y] : plot.points) line += (line.empty() ? "" : " ") + at_x(x) + "," + at_y(y);
  svg += "<polyline fill=\"none\" stroke=\"#20639b\" stroke-width=\"2\" points=\"" + line + "\"/>";
  for (const auto& [x, y] : plot.points) {
    const bool marked = plot.marked > 0 && std::abs(x - plot.marked) < 1e-9;
    svg += "<circle cx=\"" + at_x(x) + "\" cy=\"" + at_y(y) + "\" r=\"" + (marked ? "6" : "3") + "\" fill=\"" +
           (marked ? "#b3541e" : "#20639b") + "\"/>";
  }
  svg += "<text x=\"338\" y=\"290\" text-anchor=\"middle\">" + html_escaped(plot.x_label) + "</text>";
  svg += "<text transform=\"translate(12 128) rotate(-90)\" text-anchor=\"middle\">" + html_escaped(plot.y_label) +
         "</text></svg>\n";
  return svg;
}

std::string html_page(const Page& page) {
  std::string html = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">";
  html +=
      "<meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; style-src 'unsafe-inline'\">";
  html += "<title>" + html_escaped(page.title) + "</title><style>" + kStyle + "</style></head><body>\n";
  html += "<h1>" + html_escaped(page.title) + "</h1><p>" + html_escaped(page.summary) + "</p>\n";
  for (const Table& table : page.tables) html += html_table(table);
  for (const Plot& plot : page.plots) html += "<h2>" + html_escaped(plot.title) + "</h2>" + svg_plot(plot);
  if (!page.answers.empty())
    html += "<h2>Answers before and after</h2><p>Folded, because some of them are harmful.</p>";
  for (const auto& [title, answers] : page.answers) {
    html += "<details><summary>" + html_escaped(title) + "</summary>" + answers_table(answers) + "</details>\n";
  }
  if (!page.recipe.empty()) html += "<h2>Recipe</h2><pre>" + html_escaped(page.recipe) + "</pre>";
  return html + "</body></html>\n";
}

}  // namespace lethe
