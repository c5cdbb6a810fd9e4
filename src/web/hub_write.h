// Requests that change a repository of the Hub, and what its refusals mean.
#pragma once

#include <string>

#include "core/json.h"
#include "web/hub.h"

namespace lethe {

/// Where a push goes.
struct HubTarget {
  const Hub& hub;
  HubName name;
  std::string doing;  ///< for errors: "cannot push to org/model"
};

/// Limits of requests that change something: the Hub may think for minutes before it answers.
HttpOptions hub_write_options(const Hub& hub);

/// Sends one request, again after faults that may pass, and returns the last reply. @param retries  after the first
HttpReply ask_hub(const HubTarget& target, HttpRequest request, int retries = 4);
/// The JSON object in a reply. @throws Error if the Hub refused the request (push_error()) or sent something else
Json json_reply(const HubTarget& target, const HttpReply& reply, const std::string& what);

/// Whether a reply is a success (2xx) and whole.
bool succeeded(const HttpReply& reply);
/// What the Hub's refusal of a push means for the user.
Error push_error(const HubTarget& target, const HttpReply& reply);
/// The Hub's answer has another form than it should.
Error odd_reply(const HubTarget& target, const std::string& wanted);

}  // namespace lethe
