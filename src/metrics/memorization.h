// How much of a text a model repeats, teacher-forced: at each token the right ones before it are given.
#pragma once

#include <span>

namespace lethe {

/// Extraction strength 1 − k/n: k is the first of n positions from which every likeliest token is the right one
/// (n if the last one is wrong: strength 0). 0 for no token. Source: Carlini et al. 2021.
/// @param right  one entry a response token: whether the likeliest token was the right one
double extraction_strength(std::span<const char> right);

/// Exact memorization: the share of response tokens whose likeliest token is the right one. 0 for no token.
/// Source: Tirumala et al. 2022.
double exact_memorization(std::span<const char> right);

}  // namespace lethe
