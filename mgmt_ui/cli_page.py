"""The page about the command line, where RabbitMQ has rabbitmqadmin to download (spec 1.1)."""

PATHS = ("/cli/index.html", "/cli/rabbitmqadmin")

PAGE = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Leveret: the command line</title>
<h1>The command line</h1>
<p><code>brokerctl</code> comes with Leveret and works from any machine:</p>
<pre>pip install leveret
brokerctl --url http://HOST:15672 --user NAME status
brokerctl --help</pre>
<p>It reads the URL, the user and the password from <code>BROKERCTL_URL</code>,
<code>BROKERCTL_USER</code> and <code>BROKERCTL_PASSWORD</code>, too.</p>
<p><code>rabbitmqadmin</code> works as well. It is a part of RabbitMQ and not of Leveret: take it
from RabbitMQ&#8217;s own packages.</p>
<p>All requests that there are: <a href="../api/index.html">the API</a>.</p>
</html>
"""
