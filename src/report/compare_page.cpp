#include "report/compare_page.h"

#include <string_view>

#include "core/replace_all.h"

extern "C" {
extern const char lethe_compare_page[], lethe_compare_page_end[];
}

namespace lethe {
namespace {

std::string_view stored_page() {
  return {lethe_compare_page, lethe_compare_page_end};
}

}  // namespace

std::string compare_page(const OrderedJson& data) {
  constexpr std::string_view kPlace = "<script type=\"application/json\" id=\"data\">";
  const std::string_view page = stored_page();
  const std::size_t at = page.find(kPlace) + kPlace.size(), end = page.find("</script>", at);
  std::string json = dump_json(data);
  replace_all(json, "<", "\\u003c");  // "</script>" would end the element
  return std::string(page.substr(0, at)) + json + std::string(page.substr(end));
}

std::string compare_page_policy() {
  constexpr std::string_view kBefore = "http-equiv=\"Content-Security-Policy\" content=\"";
  const std::string_view page = stored_page();
  const std::size_t at = page.find(kBefore) + kBefore.size();
  return std::string(page.substr(at, page.find('"', at) - at)) + "; frame-ancestors 'none'";
}

}  // namespace lethe
