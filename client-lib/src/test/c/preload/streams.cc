// streams FILE: C++ streams on it. The output is to be the same for an image and for a plain file. FILE is standard
// input, too.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

static std::uint32_t sum(const std::vector<char> &bytes)
{
    std::uint32_t result = 7;
    for (char byte : bytes) {
        result = result * 31 + static_cast<unsigned char>(byte);
    }
    return result;
}

int main(int, char **arguments)
{
    const char *path = arguments[1];
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file << "one line\nand 42 more\n";
    file.seekg(9);
    std::string word;
    int number = 0;
    file >> word >> number;
    std::cout << word << ' ' << number << ' ' << file.tellg() << '\n';
    file.seekp(-5, std::ios::end);
    file << "12345" << std::flush;
    std::cout << "to the end: " << file.good() << '\n';
    file.close();

    std::ifstream reader(path, std::ios::binary | std::ios::ate);
    std::cout << "size " << reader.tellg() << ' ' << std::filesystem::file_size(path) << ' '
              << std::filesystem::is_regular_file(path) << '\n';
    reader.seekg(0);
    std::vector<char> bytes((std::istreambuf_iterator<char>(reader)), std::istreambuf_iterator<char>());
    std::cout << bytes.size() << ' ' << sum(bytes) << ' ' << reader.eof() << '\n';

    std::string line;
    std::getline(std::cin, line);
    std::cout << line << '\n';
    std::cin >> word >> number;
    std::cout << word << ' ' << number << '\n';
    return 0;
}
