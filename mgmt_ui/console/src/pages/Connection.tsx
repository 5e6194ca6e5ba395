export default function Connection() { return <p>Connection</p>; }
