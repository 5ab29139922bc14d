// In the program lowtide, and in every program that links lowtide::program beside cases of its own.
#include "command_line.h"

int main(int argc, char** argv) { return lowtide::app::command_line(argc, argv); }
