// Text inside of HTML.
#pragma once
#include <string>
#include <string_view>

namespace lowtide::app {

// As text, and between double quotes as an attribute.
std::string escaped(std::string_view text);

// Inside of <script type="text/plain">, which no "</script" or "<!--" may leave: without any "<". The page's
// textOf reads it.
std::string without_tags(std::string_view text);

}  // namespace lowtide::app
