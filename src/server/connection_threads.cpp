#include "server/connection_threads.h"

#include <iterator>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/messages.h"

namespace lethe {

ConnectionThreads::~ConnectionThreads() {
  shutdown();
}

void ConnectionThreads::enqueue(std::function<void()> task) {
  join_ended();
  {
    const std::lock_guard lock(mutex_);
    Threads one;  // made first, so that the task is not queued where there is no memory
    if (idle_ <= tasks_.size() && threads_.size() < most_) one.emplace_back();
    tasks_.push_back(std::move(task));
    if (!one.empty()) {
      threads_.splice(threads_.end(), one);
      const auto self = std::prev(threads_.end());
      try {
        *self = std::thread([this, self] { work(self); });
      } catch (const std::system_error&) {  // no more threads: the others take the task, if there are any
        threads_.erase(self);
        if (threads_.empty()) {
          tasks_.pop_back();
          throw;
        }
      }
    }
  }
  wake_.notify_one();
}

void ConnectionThreads::join_ended() {
  Threads ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(ended_);
  }
  for (std::thread& thread : ended) thread.join();
}

void ConnectionThreads::shutdown() {
  Threads all;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;  // none moves itself to `ended_` any more
    all.splice(all.end(), threads_);
    all.splice(all.end(), ended_);
  }
  wake_.notify_all();
  for (std::thread& thread : all) thread.join();
}

std::size_t ConnectionThreads::count() const {
  const std::lock_guard lock(mutex_);
  return threads_.size();
}

void ConnectionThreads::work(Threads::iterator self) {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait_for(lock, longest_idle_, [this] { return ending_ || !tasks_.empty(); });
    --idle_;
    if (tasks_.empty()) break;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    try {
      task();
    } catch (const std::exception& error) {  // else the whole process would end
      warn("a connection failed: " + excerpt(error.what(), 300));
    }
    lock.lock();
  }
  if (!ending_) ended_.splice(ended_.end(), threads_, self);
}

}  // namespace lethe
