// OpenAI's API: models, completions, chats.
#include <atomic>
#include <ctime>
#include <random>

#include "core/error.h"
#include "core/messages.h"
#include "server/answer_group.h"
#include "server/api_error.h"
#include "server/generation_request.h"
#include "server/reply_form.h"
#include "server/server.h"

namespace lethe {

LiveModel& LiveModels::named(const std::string& name) const {
  for (const auto& model : models_) {
    if (model->name() == name) return *model;
  }
  throw ApiError(404, "there is no model " + excerpt(name, 200) + "; GET /v1/models lists those that there are",
                 "model", "model_not_found");
}

namespace {

/// An id that no other reply has.
std::string new_id() {
  thread_local std::mt19937_64 numbers{std::random_device{}()};
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string id;
  for (int i = 0; i < 24; ++i) id += kDigits[numbers() % 16];
  return id;
}

OrderedJson model_entry(const LiveModel& model) {
  OrderedJson entry = {{"id", model.name()},
                       {"object", "model"},
                       {"created", model.created()},
                       {"owned_by", "lethe"},
                       {"max_model_len", model.spec().max_positions}};
  if (model.spec().max_positions == 0) entry["max_model_len"] = nullptr;
  if (!model.source().danger.empty()) entry["warning"] = model.source().danger;
  return entry;
}

/// One request that is being answered. Both ways of replying end with its destruction, which frees the rows.
class Generation {
 public:
  Generation(GenerationRequest request, LiveModel& model, bool chat)
      : request_(std::move(request)),
        model_(model),
        form_(chat ? chat_form(model.tokenizer()) : completion_form(request_, model.tokenizer())),
        group_(model, request_.answers),
        id_(form_->id_begin() + new_id()) {}

  WebReply whole(const std::function<bool()>& connected) {
    std::vector<AnswerPiece> answers(group_.size());
    while (auto next = group_.next(connected)) {
      AnswerPiece& answer = answers[next->first];
      answer.text += next->second.text;
      answer.finish = next->second.finish;
      for (AnswerToken& token : next->second.tokens) answer.tokens.push_back(std::move(token));
    }
    OrderedJson choices = OrderedJson::array();
    for (std::size_t i = 0; i < answers.size(); ++i) choices.push_back(form_->choice(i, answers[i], group_.answer(i)));
    OrderedJson reply = head(false);
    reply["choices"] = std::move(choices);
    reply["usage"] = usage();
    return {.body = dump_json(reply), .tokens = group_.tokens()};
  }

  /// Server-sent events. An error is one of them, since the status was sent before.
  void stream(const std::function<bool()>& connected, const WritePiece& write) {
    const auto send = [&](const std::string& data) { return write("data: " + data + "\n\n"); };
    try {
      while (auto next = group_.next(connected)) {
        for (OrderedJson& choice : form_->chunks(next->first, next->second, group_.answer(next->first))) {
          if (!send(chunk(OrderedJson::array({std::move(choice)}), nullptr))) return;
        }
      }
      if (request_.stream_usage && !send(chunk(OrderedJson::array(), usage()))) return;
      send("[DONE]");
    } catch (const ApiError& error) {
      send(error.body());
    } catch (const std::exception& error) {  // out of memory, mostly
      warn("a stream of " + model_.name() + " failed: " + excerpt(error.what(), 300));
      send(ApiError(500, "the server could not answer").body());
    }
  }

  std::size_t tokens() const { return group_.tokens(); }

 private:
  OrderedJson head(bool chunk) const {
    return {{"id", id_}, {"object", form_->object(chunk)}, {"created", created_}, {"model", model_.name()}};
  }

  std::string chunk(OrderedJson choices, OrderedJson usage) const {
    OrderedJson chunk = head(true);
    chunk["choices"] = std::move(choices);
    if (request_.stream_usage) chunk["usage"] = std::move(usage);
    return dump_json(chunk);
  }

  OrderedJson usage() const {
    return {{"prompt_tokens", request_.prompt_tokens},
            {"completion_tokens", group_.tokens()},
            {"total_tokens", request_.prompt_tokens + group_.tokens()}};
  }

  const GenerationRequest request_;
  LiveModel& model_;
  std::unique_ptr<ReplyForm> form_;
  RequestAnswers group_;
  const std::string id_;
  const std::int64_t created_ = std::time(nullptr);
};

WebReply reply_to(const WebRequest& request, const LiveModels& models, std::uint64_t seed, bool chat) {
  const RequestBody body(request.body);
  LiveModel& model = models.named(body.text("model"));
  GenerationRequest wanted = chat ? read_chat(body, model, seed) : read_completion(body, model, seed);
  const bool streams = wanted.stream;
  auto generation = std::make_shared<Generation>(std::move(wanted), model, chat);
  if (!streams) return generation->whole(request.connected);
  WebReply reply{.type = "text/event-stream", .headers = {{"Cache-Control", "no-cache"}}};
  reply.stream = [generation, connected = request.connected](const WritePiece& write) {
    generation->stream(connected, write);
    return generation->tokens();
  };
  return reply;
}

}  // namespace

void add_api(Routes& routes, const LiveModels& models, std::uint64_t seed) {
  routes.get(
      "/health", [](const WebRequest&) { return WebReply{.body = R"({"status":"ok"})"}; }, WebAccess::open);
  routes.get("/v1/models", [&models](const WebRequest&) {
    OrderedJson list = OrderedJson::array();
    for (const auto& model : models.all()) list.push_back(model_entry(*model));
    return WebReply{.body = dump_json(OrderedJson{{"object", "list"}, {"data", std::move(list)}})};
  });
  routes.get("/v1/models/", [&models](const WebRequest& request) {
    return WebReply{.body =
                        dump_json(model_entry(models.named(request.path.substr(std::string("/v1/models/").size()))))};
  });
  // Requests that name no seed get one after another, so that a server that is asked the same again says the same.
  auto next_seed = std::make_shared<std::atomic<std::uint64_t>>(seed);
  for (const bool chat : {false, true}) {
    routes.post(chat ? "/v1/chat/completions" : "/v1/completions",
                [&models, next_seed, chat](const WebRequest& request) {
                  return reply_to(request, models, (*next_seed)++, chat);
                });
  }
}

}  // namespace lethe
