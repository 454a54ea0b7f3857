-- Run once, while the data directory is made: the agent is this machine's root, as the socket proves.
-- Nobody else is let in as root, and there is no password that could be guessed or leak.
INSTALL PLUGIN auth_socket SONAME 'auth_socket.so';
ALTER USER root@localhost IDENTIFIED WITH auth_socket AS 'root';
