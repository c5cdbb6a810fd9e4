#include "server/routes.h"

#include "core/error.h"
#include "core/messages.h"
#include "server/api_error.h"

namespace lethe {

void Routes::get(const std::string& path, WebHandler handler, WebAccess access) {
  by_path_[path]["GET"] = {std::move(handler), access};
}

void Routes::post(const std::string& path, WebHandler handler, WebAccess access) {
  by_path_[path]["POST"] = {std::move(handler), access};
}

/// The entry of this path, else that of the longest folder above it that has one.
const std::map<std::string, Routes::Entry>* Routes::methods_of(const std::string& path) const {
  if (const auto found = by_path_.find(path); found != by_path_.end()) return &found->second;
  for (std::size_t slash = path.rfind('/'); slash != std::string::npos && slash > 0;
       slash = path.rfind('/', slash - 1)) {
    const auto found = by_path_.find(path.substr(0, slash + 1));
    if (found != by_path_.end()) return &found->second;
  }
  return nullptr;
}

bool Routes::needs_key(const WebRequest& request) const {
  const auto* methods = methods_of(request.path);
  if (methods == nullptr) return true;
  const auto found = methods->find(request.method);
  return found == methods->end() || found->second.access == WebAccess::with_key;
}

WebReply Routes::answer(const WebRequest& request) const {
  try {
    const auto* methods = methods_of(request.path);
    if (methods == nullptr) throw ApiError(404, "there is no " + excerpt(request.path, 200) + " here");
    const auto found = methods->find(request.method);
    if (found == methods->end())
      throw ApiError(405, excerpt(request.path, 200) + " does not take " + excerpt(request.method, 20));
    return found->second.handler(request);
  } catch (const ApiError& error) {
    return error.reply();
  } catch (const Error& error) {
    if (error.code() == ExitCode::bad_input || error.code() == ExitCode::usage)
      return ApiError(400, excerpt(error.on_one_line(), 2000)).reply();
    if (error.code() == ExitCode::interrupted) return ApiError(503, "the server is ending").reply();
    warn("a request failed: " + excerpt(error.doing(), 300));
    return ApiError(500, excerpt(error.on_one_line(), 2000)).reply();
  } catch (const std::exception& error) {
    warn("a request failed: " + excerpt(error.what(), 300));
    return ApiError(500, "the server could not answer").reply();
  }
}

}  // namespace lethe
