// Interface of the optional component that connects the ranks (components/gloo.cpp, a separate library). The program
// loads it when a run has several processes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "ranks/rank_place.h"

namespace lethe {

/// `gather`: in has n bytes, out size·n. `exchange`: both have size·n. `share`: in is not read; out has n.
enum class Collective { gather, exchange, share };

/// The notes may be used by several threads, the collectives by one. All functions throw std::exception.
class Wire {
 public:
  virtual ~Wire() = default;
  /// A note that all ranks can read.
  virtual void set_note(const std::string& key, const std::string& text) = 0;
  /// @return the note; empty: there is none
  virtual std::string note(const std::string& key) = 0;
  /// Adds to a number that all ranks can read. @return the sum
  virtual std::int64_t add(const std::string& key, std::int64_t amount) = 0;
  /// Connects this rank with all others. Call it when all of them have opened their wire.
  virtual void connect(std::chrono::milliseconds limit) = 0;
  /// Begins a collective. @param bytes  n @param in, out  stay valid until it is done
  virtual void start(Collective collective, const void* in, void* out, std::size_t bytes) = 0;
  /// Waits for the collective, at most for `limit`. @return whether it is done
  virtual bool done(std::chrono::milliseconds limit) = 0;
};

constexpr int kWireVersion = 1;

}  // namespace lethe

extern "C" {
/// The only functions that the library exports.
int lethe_wire_version();
/// @param milliseconds  how long to try to reach place.host
/// @return a new Wire; null, with the reason in `error`, if rank 0 does not answer or the port is in use
lethe::Wire* lethe_open_wire(const lethe::RankPlace& place, int milliseconds, std::string& error);
}
