// A rank without the others: a stand-in for the component that connects ranks (LETHE_GLOO), which measures what one of
// many ranks holds. It answers for the others at once: whatever this rank sends, they send too.
//
//     c++ -std=c++20 -O2 -shared -fPIC -I src bench/one_rank.cpp -o one_rank.so
#include <cstring>
#include <map>
#include <mutex>

#include "ranks/wire.h"

namespace {

class OneRank : public lethe::Wire {
 public:
  explicit OneRank(int size) : size_(static_cast<std::size_t>(size)) {}
  void set_note(const std::string& key, const std::string& text) override {
    const std::lock_guard lock(mutex_);
    notes_[key] = text;
  }
  std::string note(const std::string& key) override {
    const std::lock_guard lock(mutex_);
    if (key.starts_with("here/")) return "here";
    if (key.starts_with("left/") && notes_.contains("left/0")) return "0 done";
    return notes_[key];
  }
  std::int64_t add(const std::string& key, std::int64_t amount) override {
    const std::lock_guard lock(mutex_);
    return numbers_[key] += amount + 1;  // the beats of others go on
  }
  void connect(std::chrono::milliseconds) override {}
  void start(lethe::Collective collective, const void* in, void* out, std::size_t bytes) override {
    auto* to = static_cast<char*>(out);
    if (collective == lethe::Collective::gather) {
      for (std::size_t rank = 0; rank < size_; ++rank) std::memcpy(to + rank * bytes, in, bytes);
    } else if (collective == lethe::Collective::exchange) {
      std::memcpy(to, in, size_ * bytes);
    }
  }
  bool done(std::chrono::milliseconds) override { return true; }

 private:
  std::size_t size_;
  std::mutex mutex_;
  std::map<std::string, std::string> notes_;
  std::map<std::string, std::int64_t> numbers_;
};

}  // namespace

extern "C" int lethe_wire_version() {
  return lethe::kWireVersion;
}

extern "C" lethe::Wire* lethe_open_wire(const lethe::RankPlace& place, int, std::string&) {
  return new OneRank(place.size);
}
